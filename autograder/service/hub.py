"""JupyterHub as the one who knows people: its OAuth, and who of them are staff."""

from __future__ import annotations

import os
from typing import Any

from jupyterhub.services.auth import HubOAuth
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from autograder.course import Course
from autograder.service.access import Role, can_be_an_id, roster_of

__all__ = ["Hub"]

STATE_COOKIE = "autograder-state"
_STATE_SECONDS = 600


class Hub:
    """A JupyterHub that started this process as one of its services.

    Args:
        secure: True if browsers reach the hub by HTTPS.
    """

    seconds = 3600.0
    """The time for which a session is good before the hub is asked again, which nobody notices."""

    def __init__(self, *, secure: bool) -> None:
        self._oauth = HubOAuth.instance()
        self._secure = secure
        self.prefix = os.environ["JUPYTERHUB_SERVICE_PREFIX"]

    def login_headers(self, where: str) -> dict[str, str]:
        """Return the headers that send a browser to the hub, and bring it back to ``where``."""
        state = self._oauth.generate_state(next_url=where)
        flags = f"Max-Age={_STATE_SECONDS}; Path={self.prefix}; HttpOnly; SameSite=Lax{'; Secure' * self._secure}"
        return {
            "location": f"{self._oauth.login_url}&state={state}",
            "set-cookie": f"{STATE_COOKIE}={state}; {flags}",
        }

    def forget_state(self, response: Response) -> None:
        """Take the state's cookie away."""
        response.delete_cookie(STATE_COOKIE, path=self.prefix)

    async def who(self, request: Request, course: Course) -> tuple[Role, str, str]:
        """Return the role and name of whoever comes back from the hub, and where they wanted to go.

        Raises:
            HTTPException: it is not the browser that was sent, or the hub does not know them, or the course does not.
        """
        code, state = request.query_params.get("code", ""), request.query_params.get("state", "")
        if not code or not state or state != request.cookies.get(STATE_COOKIE):
            raise HTTPException(403, "Signing in took too long, or began in another window. Load the page again.")
        token = await self._oauth.token_for_code(code, sync=False)
        user = await self._oauth.user_for_token(token, sync=False) if token else None
        if not user:
            raise HTTPException(403, "JupyterHub does not say who you are. Load the page again.")
        return self._role(user, course), self._person(user, course), self._where(state)

    def _role(self, user: dict[str, Any], course: Course) -> Role:
        group = course.config.serve.staff_group or f"formgrade-{course.id}"
        return "staff" if user.get("admin") or group in (user.get("groups") or []) else "student"

    def _person(self, user: dict[str, Any], course: Course) -> str:
        name, people = str(user["name"]), roster_of(course)
        if self._role(user, course) == "student" and (not can_be_an_id(name) or (people and name not in people)):
            raise HTTPException(403, f"{name} is not on the list of this course. Write to your teaching assistant.")
        return name

    def _where(self, state: str) -> str:
        """Return the page that was asked for; only one of ours."""
        where = str(self._oauth.get_next_url(state) or "")
        return where if where.startswith(self.prefix) and "\\" not in where else self.prefix
