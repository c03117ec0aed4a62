"""The paper, as BibTeX."""

META_VALUE = """
@article{cooijmans2023meta,
  author = {Cooijmans, Tim and Aghajohari, Milad and Courville, Aaron},
  title = {Meta-Value Learning: a General Framework for Learning with Learning Awareness},
  journal = {arXiv preprint arXiv:2307.08863},
  year = {2023},
}
"""
