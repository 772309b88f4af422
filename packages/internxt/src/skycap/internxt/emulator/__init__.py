"""An emulator of Internxt's servers: the Drive API, the Network API and the object storage behind it.

It shares no code with the client, so that one cannot hide a mistake of the other.
"""
