"""The waist, the engine and the front door of skycap."""
