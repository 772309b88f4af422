"""Logging in to S3: keys in the credential store, or those that the AWS settings of this machine give."""

from __future__ import annotations

from skycap.cloudproviders.s3.credentials import origin
from skycap.core.auth.method import Account, Status
from skycap.core.auth.options import OptionsMethod


class Login(OptionsMethod):
    """Asks for access keys; its status also knows of keys that come from elsewhere."""

    def status(self, account: Account) -> Status:
        """Where the keys come from, in the order in which they are looked for."""
        found = super().status(account)
        if str(account.values.get("anonymous", "")).lower() in {"1", "true", "yes", "on"}:
            return Status(True, "anonymous: requests are not signed")
        if account.values.get("access_key_id") or account.values.get("secret_access_key"):
            half = [name for name in ("access_key_id", "secret_access_key") if not account.values.get(name)]
            return Status(False, f"{half[0]} is missing") if half else found
        profile = account.values.get("profile")
        where = origin(str(profile) if profile else None)
        if account.values.get("web_identity_token_file"):
            where = "web identity token file"
        if where is None:
            return Status(
                False,
                f"{found.detail}; no keys in the environment or a profile (an instance role is not asked)",
            )
        role = account.values.get("role_arn")
        return Status(True, f"{where}, for the role {role}" if role else where)
