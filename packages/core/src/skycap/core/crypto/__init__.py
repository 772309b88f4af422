"""Ciphers, hashes and key derivation that every storage shares: mechanisms, and no policy.

All ciphers are those of `cryptography`; what is ours is the framing. Nothing heavy is imported with this
package: each module loads what it needs when it is first used.
"""
