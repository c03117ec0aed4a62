"""The papers, as BibTeX."""

MAML = """
@inproceedings{finn2017model,
  author = {Finn, Chelsea and Abbeel, Pieter and Levine, Sergey},
  title = {Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks},
  booktitle = {Proceedings of the 34th International Conference on Machine Learning},
  series = {Proceedings of Machine Learning Research},
  volume = {70},
  pages = {1126--1135},
  publisher = {PMLR},
  year = {2017},
  eprint = {1703.03400},
  archiveprefix = {arXiv},
}
"""

M_FOS = """
@inproceedings{lu2022model,
  author = {Lu, Christopher and Willi, Timon and Schroeder de Witt, Christian A. and Foerster, Jakob},
  title = {Model-Free Opponent Shaping},
  booktitle = {Proceedings of the 39th International Conference on Machine Learning},
  series = {Proceedings of Machine Learning Research},
  volume = {162},
  pages = {14398--14411},
  publisher = {PMLR},
  year = {2022},
  eprint = {2205.01447},
  archiveprefix = {arXiv},
}
"""
