"""The pytest plugin of skycap: fixtures for whoever tests a storage. Nothing heavy is imported here."""
