"""The papers, as BibTeX."""

META_VALUE = """
@article{cooijmans2023meta,
  author = {Cooijmans, Tim and Aghajohari, Milad and Courville, Aaron},
  title = {Meta-Value Learning: a General Framework for Learning with Learning Awareness},
  journal = {arXiv preprint arXiv:2307.08863},
  year = {2023},
}
"""

NOISY_NETWORKS = """
@inproceedings{fortunato2018noisy,
  author = {Fortunato, Meire and Azar, Mohammad Gheshlaghi and Piot, Bilal and Menick, Jacob and Hessel, Matteo and
    Osband, Ian and Graves, Alex and Mnih, Volodymyr and Munos, Remi and Hassabis, Demis and Pietquin, Olivier and
    Blundell, Charles and Legg, Shane},
  title = {Noisy Networks for Exploration},
  booktitle = {International Conference on Learning Representations},
  year = {2018},
  url = {https://openreview.net/forum?id=rywHCPkAW},
  eprint = {1706.10295},
  archiveprefix = {arXiv},
}
"""

STOCHASTIC_VALUE_GRADIENTS = """
@inproceedings{heess2015learning,
  author = {Heess, Nicolas and Wayne, Gregory and Silver, David and Lillicrap, Timothy and Erez, Tom and Tassa, Yuval},
  title = {Learning Continuous Control Policies by Stochastic Value Gradients},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {28},
  pages = {2944--2952},
  year = {2015},
  eprint = {1510.09142},
  archiveprefix = {arXiv},
}
"""
