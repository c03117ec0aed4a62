"""The papers that the bundled plugins cite, as BibTeX in references.bib, each once."""
