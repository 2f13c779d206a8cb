"""Compares what the stand-ins recorded with what the store and Dagster know, row by row.

**lost**: a row or an upload that is neither completed nor failed for good, or a row whose end Notion doesn't show, or
one that is completed without its page, or without what came out of it in the library.

**duplicate**: a page more than there are rows with its link (that could have one), a page of an upload that no upload
calls its own, or a page that two call theirs.

**double payment**: a call that was paid again after its answer had arrived. The stand-ins know which answers they
delivered whole: those of calls that no fault hit, or only a delay. A call that was carried out but whose answer was
lost on the way (a fault “after it was done”, or a cut in the middle) costs money too, and has to be repeated: nobody
can know its answer. Such calls are told as `lost answers`, not as double payments. A summary is recognised by its
prompt; those of uploads, which may be equal, are counted. Speech and screen are recognised by the video for which the
store's ledger has the payment, and every whole answer has to be in that ledger: one that isn't is counted as paid
twice, whatever became of it.

**wrong reason**: a run that failed with a code that none of the faults explains which hit calls of that row, or calls
whose row can't be told, while the run lasted, unless an earlier failure of another row explains it: a site that failed
was paused, an address that was throttled rests; a row whose reason is not that of its last run; a row that should have
failed for what its post is (private, say) and did otherwise.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import dagster as dg

from benchmarks.faults import SERVICES, Service
from benchmarks.rig import Rig
from svp_dagster.defs import runs
from svp_dagster.defs.failures import failure_of_run
from svp_dagster.errors import Code
from svp_dagster.models import JsonObject, Status
from svp_dagster.rows.pauses import SITE_FAULTS
from svp_dagster.store.entries import Entry

_COPY_NUMBER = re.compile(r"/76\d{4}0*(\d+)|/DO[a-z]{3}0*(\d+)|No\. (\d+)\\?\"")
"""A copied post's number, in its links and in its description (see `sandbox.media.posts.copy_of`)."""
_ROW = re.compile(r"^/v1/pages/([0-9a-f-]{36})")
_CONSEQUENCE_OF: dict[str, frozenset[str]] = {
    Code.PLATFORM_PAUSED: frozenset(SITE_FAULTS),
    Code.WAITS_TURN: frozenset({Code.RATE_LIMITED, Code.ADDRESS_BLOCKED}),
}
"""What may stop a run since another one failed with one of these."""

_LATE = "late"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A row or an upload of the soak, whose `link` is the file's name then.

    `number` is its post's, `must_fail` what is wrong with the post or the row itself. `has_page` is false for an
    upload without a tag, which ends in the library alone.
    """

    link: str
    number: int
    must_fail: Code | None = None
    has_row: bool = True
    has_page: bool = True


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A call that a fault hit; `number` and `page_id` say whose it was, where that can be told."""

    at: datetime
    explains: frozenset[Code]
    number: int | None
    page_id: str | None

    def may_explain(self, page_id: str, asked: Asked) -> bool:
        """Whether it wasn't another row's."""
        return self.number in (None, asked.number) and self.page_id in (None, page_id)


@dataclass(kw_only=True)
class Verdict:
    """What was found, a sentence each, and figures beside it."""

    rows: int
    lost: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    double_payments: list[str] = field(default_factory=list)
    wrong_reason: list[str] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)

    @property
    def line(self) -> str:
        """All in one line."""
        return (
            f"rows={self.rows} lost={len(self.lost)} duplicates={len(self.duplicates)} "
            f"double_payments={len(self.double_payments)} wrong_reason={len(self.wrong_reason)}"
        )

    @property
    def is_good(self) -> bool:
        """Whether nothing was found."""
        return not (self.lost or self.duplicates or self.double_payments or self.wrong_reason)

    @property
    def findings(self) -> list[str]:
        """Every finding."""
        return [*self.lost, *self.duplicates, *self.double_payments, *self.wrong_reason]


def judge(rig: Rig, rows: Mapping[str, Asked]) -> Verdict:
    """The verdict on `rows`, by page id, once they are expected to have ended."""
    verdict = Verdict(rows=len(rows))
    entries = rig.entries(rows)
    records = {
        name: getattr(rig.outside, name).ask("requests")["requests"] for name in {each.stand_in for each in SERVICES}
    }
    pages = rig.pages(rig.content_source_id)
    verdict.lost += _lost(rig, rows, entries, {page["id"] for page in pages if not page["in_trash"]})
    verdict.duplicates += _duplicates(rows, entries, pages)
    _payments(rig, records["ai"], verdict)
    _reasons(rig, rows, entries, records, verdict)
    verdict.figures += _figures(records, entries)
    return verdict


def _lost(rig: Rig, rows: Mapping[str, Asked], entries: Mapping[str, Entry], live_pages: set[str]) -> Iterator[str]:
    shown = {page["id"]: page["properties"]["status"] for page in rig.pages(rig.installation.links.data_source_id)}
    for page_id, asked in rows.items():
        entry = entries.get(page_id)
        if entry is None:
            yield f"row {page_id} was never seen"
        elif not entry.status.is_final:
            yield f"row {page_id} is {entry.status}: {entry.failure_code}, until {entry.retry_at}"
        elif asked.has_row and shown.get(page_id) != entry.status:
            yield f"row {page_id} is {entry.status}, and Notion shows {shown.get(page_id)}"
        elif entry.status is Status.COMPLETED and asked.has_page and entry.content_page_id not in live_pages:
            yield f"row {page_id} is completed and has no page"
        elif entry.status is Status.COMPLETED and rig.store.library.get(page_id) is None:
            yield f"row {page_id} is completed and isn't in the library"


def _duplicates(rows: Mapping[str, Asked], entries: Mapping[str, Entry], pages: Sequence[JsonObject]) -> Iterator[str]:
    wanted = Counter(asked.number for asked in rows.values() if asked.must_fail is None and asked.has_row)
    made = Counter(_number(page["properties"]["video_link"] or "") for page in pages)
    made.pop(None, None)  # of uploads, which have no link
    owned = {entry.content_page_id for row_id, entry in entries.items() if not rows[row_id].has_row}
    for page in pages:
        if not page["properties"]["video_link"] and page["id"] not in owned:
            yield f"the page {page['id']} of an upload belongs to none"
    for number, count in made.items():
        for _ in range(count - wanted[number or 0]):
            yield f"{count} pages for {wanted[number or 0]} rows with the post {number}"
    owners = Counter(entry.content_page_id for entry in entries.values() if entry.content_page_id)
    for page_id, count in owners.items():
        for _ in range(count - 1):
            yield f"{count} rows call the page {page_id} theirs"


def _payments(rig: Rig, records: Sequence[JsonObject], verdict: Verdict) -> None:
    history = rig.ledger()
    for service in (service for service in SERVICES if service.paid_as):
        calls = [record for record in records if re.search(service.path, record["path"])]
        whole = [record for record in calls if record["status"] == 200 and _is_whole(record, service)]
        lost = [record for record in calls if _is_done_in_vain(record, service)]
        known = [paid for paid in history if paid.service == service.paid_as]
        verdict.figures.append(
            f"{service.name}: {len(calls)} calls, {len(whole)} answered whole, {len(lost)} lost answers; "
            f"{len(known)} in the store's ledger"
        )
        for _ in range(len(whole) - len(known)):
            verdict.double_payments.append(f"{service.name}: an answer arrived that the store's ledger doesn't have")
        if service.paid_as == "summary":
            paid_for = _prompts(whole, of_posts=True)
            uploads = {paid.media_key for paid in known if paid.media_key.startswith("sha256:")}
            for _ in range(_prompts(whole, of_posts=False).total() - len(uploads)):
                verdict.double_payments.append(f"{service.name}: more prompts than the {len(uploads)} uploads paid for")
        else:
            paid_for = Counter(paid.media_key for paid in known)
        for what, count in paid_for.items():
            for _ in range(count - 1):
                verdict.double_payments.append(f"{service.name}: paid {count} times for {what[-80:]}")


def _prompts(records: Sequence[JsonObject], *, of_posts: bool) -> Counter[str]:
    """Return the prompts for summaries of posts, or the first ones of uploads.

    The checks of two rows may be equal: they hold a few passages, not the post's number. The prompts of two uploads may
    be equal too: nothing in their material says which file it is.
    """
    asked = [record["body"]["contents"] for record in records]
    return Counter(
        str(prompt)
        for prompt in asked
        if "<material>" in str(prompt) and ("Platform: " in str(prompt)) is of_posts and (of_posts or len(prompt) == 1)
    )


def _is_whole(record: JsonObject, service: Service) -> bool:
    return record["fault"] is None or record["fault"] == f"{service.name}: {_LATE}"


def _is_done_in_vain(record: JsonObject, service: Service) -> bool:
    kind = service.by_name.get(record["fault"] or "")
    return kind is not None and kind.effect.get("when") == "after"


def _reasons(
    rig: Rig,
    rows: Mapping[str, Asked],
    entries: Mapping[str, Entry],
    records: Mapping[str, Sequence[JsonObject]],
    verdict: Verdict,
) -> None:
    hits = sorted(_hits(records), key=lambda hit: hit.at)
    codes: dict[str, list[str]] = defaultdict(list)
    told = Counter[str]()
    for run in _failed_runs(rig.instance):
        asked = rows.get(run.page_id)
        if asked is None:
            continue
        codes[run.page_id].append(run.code)
        told[run.code] += 1
        during = [hit for hit in hits if run.began <= hit.at <= run.ended and hit.may_explain(run.page_id, asked)]
        explained = {code for hit in during for code in hit.explains} | {asked.must_fail}
        if any(code in told for code in _CONSEQUENCE_OF.get(run.code, ())):
            continue
        if run.code not in explained:
            faults = ", ".join(sorted(filter(None, explained))) or "none"
            verdict.wrong_reason.append(
                f"run {run.run_id} of row {run.page_id} failed: {run.code}; explained: {faults}"
            )
    for page_id, entry in entries.items():
        asked, reason = rows[page_id], entry.failure_code if entry.status is Status.FAILED else None
        of_last_run = codes[page_id][-1] if codes[page_id] else None
        if reason is None and asked.must_fail is not None and entry.status.is_final:
            verdict.wrong_reason.append(f"row {page_id} is completed, and should have failed: {asked.must_fail}")
        elif reason is not None and reason not in (of_last_run, asked.must_fail):
            verdict.wrong_reason.append(f"row {page_id} says {reason}, its last run failed: {of_last_run}")
    failed = Counter(entry.failure_code or "" for entry in entries.values() if entry.status is Status.FAILED)
    verdict.figures.append(f"failed runs: {_counted(told)}")
    verdict.figures.append(f"rows that failed for good: {_counted(failed)}")


@dataclass(frozen=True, kw_only=True)
class _FailedRun:
    run_id: str
    page_id: str
    code: str
    began: datetime
    ended: datetime


def _failed_runs(instance: dg.DagsterInstance) -> Iterator[_FailedRun]:
    """Runs that failed, the oldest first; the code of one that failed outside of a stage is `no code`."""
    failures = dg.RunsFilter(job_name="process_link", statuses=[dg.DagsterRunStatus.FAILURE])
    for record in instance.get_run_records(failures, order_by="id", ascending=True):
        run = record.dagster_run
        known = failure_of_run(instance, run.run_id)
        yield _FailedRun(
            run_id=run.run_id,
            page_id=run.tags.get(runs.ROW_TAG, ""),
            code=str(known.code) if known is not None else "no code",
            began=datetime.fromtimestamp(record.start_time or 0, UTC),
            ended=datetime.fromtimestamp(record.end_time or 0, UTC),
        )


def _hits(records: Mapping[str, Sequence[JsonObject]]) -> Iterator[Hit]:
    kinds = {name: kind for service in SERVICES for name, kind in service.by_name.items()}
    for record in (record for of_one in records.values() for record in of_one if record["fault"] in kinds):
        row = _ROW.match(record["path"])
        yield Hit(
            at=datetime.fromisoformat(record["time"]),
            explains=kinds[record["fault"]].explains,
            number=_number(f"{record['path']} {record['body']}"),
            page_id=row[1] if row else None,
        )


def _number(text: str) -> int | None:
    found = _COPY_NUMBER.search(text)
    return int(next(group for group in found.groups() if group)) if found else None


def _figures(records: Mapping[str, Sequence[JsonObject]], entries: Mapping[str, Entry]) -> Iterator[str]:
    for service in SERVICES:
        calls = [record for record in records[service.stand_in] if re.search(service.path, record["path"])]
        hit = Counter(record["fault"].partition(": ")[2] for record in calls if record["fault"])
        share = sum(hit.values()) / len(calls) if calls else 0.0
        yield f"{service.name}: {share:.0%} of {len(calls)} calls hit ({_counted(hit)})"
    waits = Counter(entry.waits for entry in entries.values())
    yield "waits per row: " + ", ".join(f"{waits[number]} rows waited {number} times" for number in sorted(waits))


def _counted(what: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(what.items())) or "none"
