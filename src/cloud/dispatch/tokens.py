"""Tokens with which jobs talk to their own server: good for the job's account while its claim lives (DESIGN D12)."""

import secrets


class JobTokens:
    """Issued with each claim, withdrawn with its end. In memory: the workers that hold them die with us."""

    def __init__(self) -> None:
        self.wanted = True
        """Whether jobs need any: where they talk through their workers' pipes they do not, and get empty ones."""
        self._by_token: dict[str, int] = {}
        self._by_claim: dict[int, str] = {}

    def new(self) -> str:
        """A token that opens nothing yet."""
        return secrets.token_urlsafe(24) if self.wanted else ""

    def issue(self, token: str, cid: int, account: int) -> None:
        """From now on the jobs of this claim may use it."""
        if not token:
            return
        self._by_token[token] = account
        self._by_claim[cid] = token

    def withdraw(self, cid: int) -> None:
        """The claim is over; its token opens nothing any more."""
        token = self._by_claim.pop(cid, None)
        if token is not None:
            del self._by_token[token]

    def account_of(self, token: str) -> int | None:
        """The account a token is good for, or None."""
        return self._by_token.get(token)
