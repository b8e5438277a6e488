"""Runs that published numbers are of, by name: no project has to hold them.

A run's name says its method, variant, weights and scale. It is looked up among a project's runs,
those of sr-bench's own repository, and the published weights that method files name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sr_bench.data.catalogue.catalogue import Catalogue
from sr_bench.data.catalogue.protocols import find_protocol
from sr_bench.data.datasets.cache import cache_folder, open_source
from sr_bench.data.datasets.manifest import fetch_source
from sr_bench.data.datasets.transfer import Progress
from sr_bench.evaluation.evaluating.candidate import Candidate, CandidateOptions, candidate_of
from sr_bench.evaluation.evaluating.sets import TestSet
from sr_bench.networks.opened import Methods
from sr_bench.project.entries import Run
from sr_bench.project.packaged import packaged_run, packaged_weights
from sr_bench.project.project import Project
from sr_bench.project.run_weights import note_weights, noted_weights

_ANY = find_protocol("edsr-2017")  # a run needs one; which numbers are asked for says the ledger


@dataclass(frozen=True)
class PublishedRuns:
    """Where runs, weights and datasets come from: the project, else the user's cache.

    Args:
        methods: by name, each with its file.
        catalogue: of weights and datasets.
        project: in the current folder, if there is one.
        progress: called with the number of bytes that have newly come.
    """

    methods: Methods
    catalogue: Catalogue
    project: Project | None = None
    progress: Progress = field(default=lambda _: None)

    def find(self, name: str) -> Run | None:
        """The run of that name; ``None`` where nobody knows its weights."""
        if self.project is not None and name in self.project.params.runs:
            return self.project.run(name)
        run = packaged_run(name)
        if run is None:
            run = next((run for run in self._published() if run.name == name), None)
        return run if run is not None and run.method in self.methods else None

    def _published(self) -> Iterator[Run]:
        for name, (_, method) in self.methods.items():
            for variant, weights, scale in method.published:
                for ensemble in ("", "+"):
                    yield Run(
                        method=name,
                        variant=variant + ensemble,
                        weights=weights,
                        scale=scale,
                        protocols=(_ANY,),
                    )

    def candidate(self, run: Run, options: CandidateOptions) -> Candidate:
        """The run, its weights fetched where they aren't there yet.

        Raises:
            SrBenchError: if its weights can't be had or aren't what the method expects.
        """
        return candidate_of(run, self.methods[run.method][1], self._weights(run), options)

    def _weights(self, run: Run) -> Path | None:
        method = self.methods[run.method][1]
        if self.project is not None and run.name in self.project.params.runs:
            if not self.project.weights_note(run.name).is_file():
                note_weights(self.project, run.name, progress=self.progress)
            return noted_weights(self.project, run, method)
        if (packaged := packaged_weights(run)) is not None:
            return packaged
        published = method.weights_file(run.base_variant, run.weights, run.scale)
        if published is None:
            return None
        source = self.catalogue.sources.find(published.group)
        fetch_source(source, cache_folder(), progress=self.progress)
        return cache_folder() / source.folder / source.file(published.name).name

    def test_set(self, name: str) -> TestSet:
        """The dataset of that name: as it was fetched into the project, else in the user's cache.

        Raises:
            SrBenchError: if it can't be had.
        """
        if self.project is not None and self.project.manifest(name).is_file():
            return TestSet(self.project.dataset(name), catalogued=True)
        source = self.catalogue.sources.find(name)
        return TestSet(open_source(source, progress=self.progress), catalogued=True)
