"""The papers, as BibTeX."""

GRADIENT_DYNAMICS = """
@inproceedings{singh2000nash,
  author = {Singh, Satinder and Kearns, Michael and Mansour, Yishay},
  title = {{Nash} Convergence of Gradient Dynamics in General-Sum Games},
  booktitle = {Proceedings of the Sixteenth Conference on Uncertainty in Artificial Intelligence},
  pages = {541--548},
  publisher = {Morgan Kaufmann},
  year = {2000},
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

POLICY_PREDICTION = """
@inproceedings{zhang2010multi,
  author = {Zhang, Chongjie and Lesser, Victor},
  title = {Multi-Agent Learning with Policy Prediction},
  booktitle = {Proceedings of the AAAI Conference on Artificial Intelligence},
  volume = {24},
  pages = {927--934},
  year = {2010},
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

CONSENSUS = """
@inproceedings{mescheder2017numerics,
  author = {Mescheder, Lars and Nowozin, Sebastian and Geiger, Andreas},
  title = {The Numerics of {GANs}},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {30},
  pages = {1825--1835},
  year = {2017},
  eprint = {1705.10461},
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

CGD = r"""
@inproceedings{schaefer2019competitive,
  author = {Sch{\"a}fer, Florian and Anandkumar, Anima},
  title = {Competitive Gradient Descent},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {32},
  year = {2019},
  eprint = {1905.12103},
  archiveprefix = {arXiv},
}
"""

EXTRAGRADIENT = """
@article{korpelevich1976extragradient,
  author = {Korpelevich, G. M.},
  title = {The Extragradient Method for Finding Saddle Points and Other Problems},
  journal = {Ekonomika i Matematicheskie Metody},
  volume = {12},
  number = {4},
  pages = {747--756},
  year = {1976},
}
"""
