"""WebDAV in front of any storage."""
