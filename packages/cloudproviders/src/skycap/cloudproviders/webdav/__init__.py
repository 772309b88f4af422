"""WebDAV servers: RFC 4918 as servers really do it, and what Nextcloud and ownCloud add to it.

`storage` is the storage; beside it stand the verbs (`reading`, `listing`, `writing`, `changing`), and below
them one request and its answer (`client`), the XML (`multistatus`, `properties`), the address (`address`),
and what is known of a server (`vendors`, `probe`). `cloud` has what only Nextcloud and its kin can do.
"""
