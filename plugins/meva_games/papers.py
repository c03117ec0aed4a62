"""The papers, as BibTeX."""

STABILITY_AND_EXPLOITATION = """
@mastersthesis{letcher2018stability,
  author = {Letcher, Alistair},
  title = {Stability and Exploitation in Differentiable Games},
  school = {University of Oxford},
  year = {2018},
}
"""

LOLA = """
@inproceedings{foerster2018learning,
  author = {Foerster, Jakob N. and Chen, Richard Y. and Al-Shedivat, Maruan and Whiteson, Shimon and Abbeel, Pieter and
    Mordatch, Igor},
  title = {Learning with Opponent-Learning Awareness},
  booktitle = {Proceedings of the 17th International Conference on Autonomous Agents and MultiAgent Systems},
  pages = {122--130},
  year = {2018},
  eprint = {1709.04326},
  archiveprefix = {arXiv},
}
"""

META_VALUE = """
@article{cooijmans2023meta,
  author = {Cooijmans, Tim and Aghajohari, Milad and Courville, Aaron},
  title = {Meta-Value Learning: a General Framework for Learning with Learning Awareness},
  journal = {arXiv preprint arXiv:2307.08863},
  year = {2023},
}
"""

STAG_HUNT = """
@book{skyrms2004stag,
  author = {Skyrms, Brian},
  title = {The Stag Hunt and the Evolution of Social Structure},
  publisher = {Cambridge University Press},
  year = {2004},
}
"""

EVOLUTION_OF_COOPERATION = """
@book{axelrod1984evolution,
  author = {Axelrod, Robert},
  title = {The Evolution of Cooperation},
  publisher = {Basic Books},
  address = {New York},
  year = {1984},
}
"""

SOS = r"""
@inproceedings{letcher2019stable,
  author = {Letcher, Alistair and Foerster, Jakob and Balduzzi, David and Rockt{\"a}schel, Tim and Whiteson, Shimon},
  title = {Stable Opponent Shaping in Differentiable Games},
  booktitle = {International Conference on Learning Representations},
  year = {2019},
  url = {https://openreview.net/forum?id=SyGjjsC5tQ},
  eprint = {1811.08469},
  archiveprefix = {arXiv},
}
"""

SGA = r"""
@inproceedings{balduzzi2018mechanics,
  author = {Balduzzi, David and Racani{\`e}re, S{\'e}bastien and Martens, James and Foerster, Jakob and Tuyls, Karl and
    Graepel, Thore},
  title = {The Mechanics of n-Player Differentiable Games},
  booktitle = {Proceedings of the 35th International Conference on Machine Learning},
  series = {Proceedings of Machine Learning Research},
  volume = {80},
  pages = {354--363},
  publisher = {PMLR},
  year = {2018},
  eprint = {1802.05642},
  archiveprefix = {arXiv},
}
"""

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

MULTIPLAYER_DILEMMAS = """
@article{hilbe2014cooperation,
  author = {Hilbe, Christian and Wu, Bin and Traulsen, Arne and Nowak, Martin A.},
  title = {Cooperation and Control in Multiplayer Social Dilemmas},
  journal = {Proceedings of the National Academy of Sciences},
  volume = {111},
  number = {46},
  pages = {16425--16430},
  year = {2014},
  doi = {10.1073/pnas.1407887111},
}
"""

NORMAL_FORM = """
@book{osborne1994course,
  author = {Osborne, Martin J. and Rubinstein, Ariel},
  title = {A Course in Game Theory},
  publisher = {MIT Press},
  year = {1994},
}
"""

PAX = r"""
@misc{willi2023pax,
  author = {Willi, Timon and Khan, Akbir and Kwan, Newton and Samvelyan, Mikayel and Lu, Chris and Foerster, Jakob},
  title = {Pax: Multi-Agent Learning in {JAX}},
  year = {2023},
  howpublished = {\url{https://github.com/ucl-dark/pax}},
}
"""
