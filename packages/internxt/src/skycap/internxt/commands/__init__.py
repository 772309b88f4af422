"""`skycap internxt`: what only Internxt has."""
