"""`caldav-backup prune`: which snapshots stay by a policy, and the others away."""

from __future__ import annotations

import time
from functools import partial
from typing import Annotated

import typer

from caldav_backup.cli.answer import Answer
from caldav_backup.cli.exits import Usage
from caldav_backup.cli.invocation import Invocation, invocation_of
from caldav_backup.cli.opening import open_repository
from caldav_backup.cli.prune_answers import answer_of
from caldav_backup.cli.tags import given_tags
from caldav_backup.inspection.snapshots import is_of, of_source
from caldav_backup.retention import RULES, Duration, Policy, Question, plan_prune, policy_from_options


def _counted(rule: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(f"--{rule}", min=0, metavar="N", help=_sentence(rule))
    return option


def _sentence(rule: str) -> str:
    """What the rule means, as help says it."""
    words = RULES[rule]
    return f"{words[0].upper()}{words[1:]}."


def command(
    context: typer.Context,
    *,
    keep_last: Annotated[int, _counted("keep-last")] = 0,
    keep_hourly: Annotated[int, _counted("keep-hourly")] = 0,
    keep_daily: Annotated[int, _counted("keep-daily")] = 0,
    keep_weekly: Annotated[int, _counted("keep-weekly")] = 0,
    keep_monthly: Annotated[int, _counted("keep-monthly")] = 0,
    keep_yearly: Annotated[int, _counted("keep-yearly")] = 0,
    keep_within: Annotated[str | None, typer.Option(metavar="TIME", help=_sentence("keep-within"))] = None,
    keep_tag: Annotated[list[str] | None, typer.Option(metavar="TAG", help=_sentence("keep-tag"))] = None,
    policy: Annotated[
        str | None, typer.Option(metavar="NAME", help="The rules of this policy in config.yml; options go before them.")
    ] = None,
    source: Annotated[str | None, typer.Option(metavar="SOURCE", help="Only of this source: @name or origin.")] = None,
    all: Annotated[bool, typer.Option("--all", help="Snapshots that other programs made, too.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without this, the plan is shown.")] = False,
) -> Answer:
    """Remove snapshots that no rule keeps, or show which."""
    run = invocation_of(context)
    given = Policy(
        last=keep_last,
        hourly=keep_hourly,
        daily=keep_daily,
        weekly=keep_weekly,
        monthly=keep_monthly,
        yearly=keep_yearly,
        within=_duration(keep_within),
        tags=given_tags(keep_tag, "--keep-tag"),
    )
    chosen = given if policy is None else _named(run, policy).overridden(given)
    repository = open_repository(run)
    question = Question(chosen, time.time_ns(), others_too=all)
    if source is not None:
        of_source(repository.snapshots(), source)
        question = Question(chosen, time.time_ns(), wants=partial(is_of, source=source), others_too=all)
    plan = plan_prune(repository, question)
    return answer_of(run, plan, plan.apply() if apply else None)


def _duration(text: str | None) -> Duration | None:
    try:
        return None if text is None else Duration.parse(text)
    except ValueError as error:
        raise Usage(f"--keep-within takes {error}") from None


def _named(run: Invocation, name: str) -> Policy:
    config = run.settings.config
    return policy_from_options(config.entry("policies", name), config.where("policies", name))
