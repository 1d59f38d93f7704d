"""The responses of a multistatus answer as they arrive.

Owns the join of `answer` and `multistatus`: what a web page, a broken document or a cut one means for the request.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.dav import hrefs
from caldav_backup.dav.multistatus import Incomplete, NotMultistatus, Parser, Response
from caldav_backup.dav.refusals import refusal

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from caldav_backup.dav.answer import Answer
    from caldav_backup.dav.limits import Limits


class Multistatus(NamedTuple):
    """A whole multistatus; `url` is what answered after redirections, and hrefs are resolved against it.

    `date` is the answer's Date header (empty: none given).
    """

    url: str
    responses: list[Response]
    date: str = ""

    @property
    def itself(self) -> Response | None:
        """What it says of the resource that was asked."""
        return next((each for each in self.responses if hrefs.same_resource(self.path(each), self.url)), None)

    def path(self, response: Response) -> str:
        """The absolute path of a response's resource."""
        return hrefs.member(self.url, response.href)


async def iter_responses(answer: Answer, parser: Parser) -> AsyncGenerator[Response, None]:
    """What `parser`, new for this answer, finds in it.

    Raises BadAnswer for what is no multistatus, AnswerCut for one that ends too early.
    """
    content_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type in {"text/html", "application/xhtml+xml"}:
        raise answer.bad("a web page came where CalDAV was asked for")
    try:
        async with aclosing(answer.chunks(parser.limits.multistatus)) as chunks:
            async for chunk in chunks:
                for response in parser.feed(chunk):
                    yield response
        parser.close()
    except Incomplete as error:
        if answer.says_its_end and not answer.received:
            raise answer.bad("the answer is empty") from error
        raise answer.cut(str(error)) from error
    except NotMultistatus as error:
        raise answer.bad(str(error)) from error


async def read_multistatus(answer: Answer, limits: Limits) -> Multistatus:
    """All responses; for answers that are known to be small, and without calendar data.

    Raises what a status 4xx of the asked resource itself means, which Xandikos 0.4 puts into a 207.
    """
    async with aclosing(iter_responses(answer, Parser(limits.for_what_is_held(), is_mended=True))) as responses:
        multistatus = Multistatus(
            answer.url, [response async for response in responses], answer.headers.get("date", "")
        )
    require_success(answer.method, multistatus.url, multistatus.itself)
    return multistatus


def require_success(method: str, url: str, itself: Response | None) -> None:
    """Raises the error of a resource whose own response says 4xx or 5xx."""
    if itself is not None and itself.status is not None and itself.status >= 400:
        raise refusal(method, hrefs.path_of(url), itself.status, {}, b"")
