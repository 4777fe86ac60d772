"""The summary of a validation run: by rule, by file, and the worst that was found."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from fhir_server.model.issues import SEVERITY_RANK, Severity
from fhir_server.validation.sources import Result


@dataclass(slots=True)
class RuleCount:
    """How often a rule spoke: `severity` the worst it gave, `records` in how many records."""

    severity: Severity
    issues: int = 0
    records: int = 0


@dataclass(slots=True)
class FileCount:
    """What was found in one file."""

    records: int = 0
    invalid: int = 0
    severities: Counter[Severity] = field(default_factory=Counter)


class Summary:
    """Counts of a run, filled as its results pass. Cost: memory for the rules and the files, not for
    their records.
    """

    def __init__(self) -> None:
        self.records = 0
        self.invalid = 0
        self.severities: Counter[Severity] = Counter()
        self.rules: dict[str, RuleCount] = {}
        self.files: dict[str, FileCount] = {}

    def counting(self, results: Iterable[Result]) -> Iterator[Result]:
        """The results, counted as they pass."""
        for result in results:
            self.add(result)
            yield result

    def add(self, result: Result) -> None:
        """Count a result."""
        file = self.files.setdefault(result.path or result.file, FileCount())
        self.records += 1
        file.records += 1
        if not result.is_valid:
            self.invalid += 1
            file.invalid += 1
        for issue in result.issues:
            self.severities[issue.severity] += 1
            file.severities[issue.severity] += 1
            rule = self.rules.setdefault(issue.id, RuleCount(issue.severity))
            rule.issues += 1
            if SEVERITY_RANK[issue.severity] < SEVERITY_RANK[rule.severity]:
                rule.severity = issue.severity
        for issue_id in {issue.id for issue in result.issues}:
            self.rules[issue_id].records += 1

    def rules_by_weight(self) -> list[tuple[str, RuleCount]]:
        """The rules, the worst and most frequent first."""
        return sorted(
            self.rules.items(),
            key=lambda item: (SEVERITY_RANK[item[1].severity], -item[1].issues, item[0]),
        )

    @property
    def worst(self) -> Severity | None:
        """The worst severity of the run; None where there is no issue."""
        return min(self.severities, key=SEVERITY_RANK.__getitem__, default=None)
