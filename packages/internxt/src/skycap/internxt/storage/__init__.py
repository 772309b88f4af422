"""The storage type `internxt`: paths over a service that knows ids.

`storage` is the storage. `places` knows which id a path has, and `cache` what was learned of that; beside
them stand the verbs (`listing`, `reading`, `writing`, `upload`, `moving`, `removing`), and what they share:
`sealing` encrypts on the way out, `naming` makes a file of an object, `record` remembers hashes.
"""
