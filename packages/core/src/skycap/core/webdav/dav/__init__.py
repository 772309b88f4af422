"""WsgiDAV, over a provider of ours. Only what starts a server imports this."""
