"""What the servers are asked, and what they answer: one function a call, nothing remembered.

`client` sends, `errors` translates what goes wrong, `models` reads what comes back. Beside them the calls: of
the Drive API (`folders`, `files`, `trash`, `sharings`, `account`), of the Network API (`network`), and of the
object storage behind it (`objects`), which is reached by links that carry their own permission.
"""
