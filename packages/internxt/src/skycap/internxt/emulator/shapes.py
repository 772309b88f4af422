"""Rows as the JSON that the Drive API answers with."""

from __future__ import annotations

import base64
import hashlib
import json
import sqlite3
from typing import Any

ENCRYPT_VERSION = "03-aes"


def opaque_name(plain_name: str, folder_id: int | None) -> str:
    """The `name` of an item: the real server's own encrypted form, which nobody reads."""
    digest = hashlib.sha512(f"{folder_id}-{plain_name}".encode("utf-8", "surrogatepass")).digest()
    return base64.b64encode(digest + digest[:32]).decode()


def folder_status(row: sqlite3.Row) -> str:
    """A folder's status follows from its two marks."""
    return "DELETED" if row["removed"] else "TRASHED" if row["deleted"] else "EXISTS"


def folder(row: sqlite3.Row) -> dict[str, Any]:
    """One folder."""
    return {
        "type": "folder",
        "id": row["id"],
        "parentId": row["parent_id"],
        "parentUuid": row["parent_uuid"],
        "parent": None,
        "name": opaque_name(row["plain_name"], row["parent_id"]),
        "bucket": row["bucket"],
        "userId": row["account"],
        "encryptVersion": ENCRYPT_VERSION,
        "deleted": bool(row["deleted"]),
        "deletedAt": row["deleted_at"],
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "uuid": row["uuid"],
        "plainName": row["plain_name"],
        "size": 0,
        "removed": bool(row["removed"]),
        "removedAt": row["removed_at"],
        "creationTime": row["creation_time"],
        "modificationTime": row["modification_time"],
        "status": folder_status(row),
        "isFavorite": False,
    }


def folder_row(row: sqlite3.Row) -> dict[str, Any]:
    """A folder as a look-up by path gives it: the columns of its table, and the usual spelling too."""
    return {
        "plain_name": row["plain_name"],
        "parent_id": row["parent_id"],
        "parent_uuid": row["parent_uuid"],
        "user_id": row["account"],
        "encrypt_version": ENCRYPT_VERSION,
        "creation_time": row["creation_time"],
        "modification_time": row["modification_time"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "removed_at": row["removed_at"],
        "deleted_at": row["deleted_at"],
    } | folder(row)


def file(row: sqlite3.Row, thumbnails: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """One file. Its size is a string."""
    return {
        "id": row["id"],
        "uuid": row["uuid"],
        "fileId": row["file_id"],
        "name": opaque_name(row["plain_name"], row["folder_id"]),
        "type": row["type"],
        "size": str(row["size"]),
        "bucket": row["bucket"],
        "folderId": row["folder_id"],
        "folder": None,
        "folderUuid": row["folder_uuid"],
        "encryptVersion": ENCRYPT_VERSION,
        "deleted": row["status"] == "TRASHED",
        "deletedAt": row["deleted_at"],
        "userId": row["account"],
        "modificationTime": row["modification_time"],
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "creationTime": row["creation_time"],
        "plainName": row["plain_name"],
        "removed": row["status"] == "DELETED",
        "removedAt": row["removed_at"],
        "status": row["status"],
        "thumbnails": thumbnails or [],
        "sharings": [],
        "isFavorite": False,
    }


def thumbnail(row: sqlite3.Row, file_number: int) -> dict[str, Any]:
    """One thumbnail, with its twins in snake case."""
    return {
        "id": row["id"],
        "fileId": file_number,
        "fileUuid": row["file"],
        "type": row["type"],
        "size": row["size"],
        "bucketId": row["bucket"],
        "bucket_id": row["bucket"],
        "bucketFile": row["file_id"],
        "bucket_file": row["file_id"],
        "encryptVersion": ENCRYPT_VERSION,
        "maxWidth": row["max_width"],
        "maxHeight": row["max_height"],
        "createdAt": row["created_at"],
        "updatedAt": row["created_at"],
    }


def version(row: sqlite3.Row) -> dict[str, Any]:
    """One former content of a file."""
    return {
        "id": row["id"],
        "fileId": row["file"],
        "networkFileId": row["file_id"],
        "size": str(row["size"]),
        "status": "EXISTS",
        "modificationTime": row["modification_time"],
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "expiresAt": row["expires_at"],
    }


def sharing(row: sqlite3.Row, owner: str) -> dict[str, Any]:
    """One public sharing."""
    return {
        "id": row["id"],
        "itemId": row["item"],
        "itemType": row["kind"],
        "ownerId": owner,
        "sharedWith": "00000000-0000-0000-0000-000000000000",
        "encryptionKey": row["encryption_key"],
        "encryptionAlgorithm": row["algorithm"],
        "encryptedCode": row["encrypted_code"],
        "encryptedPassword": row["encrypted_password"],
        "type": "public",
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
    }


def entry(row: sqlite3.Row) -> dict[str, Any]:
    """One bucket entry of the Network API."""
    shown = {
        "id": row["id"],
        "index": row["index"],
        "bucket": row["bucket"],
        "name": row["name"],
        "version": row["version"],
        "size": row["size"],
        "created": row["created"],
        "renewal": row["created"],
        "mimetype": "application/octet-stream",
        "filename": row["name"],
    }
    return shown | ({"hmac": json.loads(row["hmac"])} if row["hmac"] else {})
