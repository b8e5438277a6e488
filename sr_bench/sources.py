"""An import of 0.1, kept for one release; see CHANGELOG.md."""

from sr_bench.data.catalogue.sources import Source as Source
from sr_bench.data.catalogue.sources import SourceFile as SourceFile
from sr_bench.data.catalogue.sources import find_source as find_source
from sr_bench.data.catalogue.sources import load_sources as load_sources
from sr_bench.support.faces import moved

moved(__name__, "from sr_bench.data.catalogue.sources import load_sources")
