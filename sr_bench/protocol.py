"""An import of 0.1, kept for one release; see CHANGELOG.md."""

from sr_bench.data.catalogue import protocols as _new
from sr_bench.data.catalogue.protocols import Crop as Crop
from sr_bench.data.catalogue.protocols import Metric as Metric
from sr_bench.data.catalogue.protocols import Protocol as Protocol
from sr_bench.data.catalogue.protocols import Tolerance as Tolerance
from sr_bench.imaging.degrade import Degradation
from sr_bench.support.faces import moved

moved(__name__, "from sr_bench import Protocol, protocols")


class Protocols(_new.Protocols):
    """The catalogue's protocols, with what 0.1 asked for by name."""

    def protocol(self, name: str) -> Protocol:
        """The protocol of that name."""
        return _new.find_protocol(name)

    def degradation_of(self, name: str) -> Degradation:
        """How the protocol of that name makes lr."""
        return _new.find_protocol(name).degradation

    def signature(self, name: str) -> str:
        """The signature of the protocol of that name."""
        return _new.find_protocol(name).signature


def load_protocols() -> Protocols:
    """The catalogue's protocols."""
    return Protocols.model_construct(**dict(_new.load_protocols()))
