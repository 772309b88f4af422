"""Amazon S3 and compatible stores.

Three ways to the wire, each for what it is best at. obstore moves whole objects outside the interpreter
lock. Everything else (parts, listings, metadata, conditions, copies, versions) is a signed request of
`client`: importing botocore for it would cost half a second at every start. botocore is imported only to
find credentials that are not simply given: roles, single sign-on, instance profiles, credential programs.
"""
