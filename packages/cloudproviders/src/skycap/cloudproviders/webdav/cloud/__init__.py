"""What Nextcloud and ownCloud have beside the files: uploads in parts, links, trash, versions, search.

Written from the developer manual of Nextcloud ("WebDAV" and "OCS Share API").
"""
