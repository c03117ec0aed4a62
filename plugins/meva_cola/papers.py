"""The paper, as BibTeX."""

COLA = """
@inproceedings{willi2022cola,
  author = {Willi, Timon and Letcher, Alistair and Treutlein, Johannes and Foerster, Jakob},
  title = {{COLA}: Consistent Learning with Opponent-Learning Awareness},
  booktitle = {Proceedings of the 39th International Conference on Machine Learning},
  series = {Proceedings of Machine Learning Research},
  volume = {162},
  pages = {23804--23831},
  publisher = {PMLR},
  year = {2022},
  eprint = {2203.04098},
  archiveprefix = {arXiv},
}
"""
