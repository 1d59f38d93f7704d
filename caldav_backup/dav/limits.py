"""How much of a server's answer is taken at most.

Owns the numbers. A server that sends more is broken or hostile; what it sends is refused with `BadAnswer`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, after decompression."""

    #: One calendar object; the largest that servers were seen to take are 30 MiB (attachments inline).
    resource: int = 64 * _MIB
    #: A whole multistatus: a listing of 100,000 members is about 60 MiB.
    multistatus: int = 2048 * _MIB
    #: XML that belongs to one response: what the parser holds at a time. One text may have 10,000,000 characters.
    response: int = 32 * _MIB
    #: Responses in one multistatus: the members of a calendar, some 0.3 KiB each in memory.
    responses: int = 500_000
    #: The same of a multistatus whose responses are all in memory at once, a KiB or more each: the home of 1,000
    #: calendars with their time zones is about 20 MiB.
    held: int = 64 * _MIB
    held_responses: int = 50_000
    #: Nesting of elements inside a property.
    depth: int = 64
    #: Calendar data that one multiget may bring; above that the batch is too large and is halved.
    batch: int = 64 * _MIB
    #: What is read of an answer that only says no.
    refusal: int = 64 * 1024

    def for_what_is_held(self) -> Limits:
        """With the bounds of a multistatus that is held as a whole."""
        held, responses = min(self.held, self.multistatus), min(self.held_responses, self.responses)
        return replace(self, multistatus=held, responses=responses)
