"""Who you are at Internxt: logging in, and the token that each request shows."""
