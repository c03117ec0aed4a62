"""The papers, as BibTeX."""

EVOLUTION_OF_COOPERATION = """
@book{axelrod1984evolution,
  author = {Axelrod, Robert},
  title = {The Evolution of Cooperation},
  publisher = {Basic Books},
  address = {New York},
  year = {1984},
}
"""

EXTORTION = """
@article{press2012iterated,
  author = {Press, William H. and Dyson, Freeman J.},
  title = {Iterated {Prisoner's Dilemma} Contains Strategies That Dominate Any Evolutionary Opponent},
  journal = {Proceedings of the National Academy of Sciences},
  volume = {109},
  number = {26},
  pages = {10409--10413},
  year = {2012},
  doi = {10.1073/pnas.1206569109},
}
"""

PARTNERS_OR_RIVALS = """
@article{hilbe2015partners,
  author = {Hilbe, Christian and Traulsen, Arne and Sigmund, Karl},
  title = {Partners or Rivals? Strategies for the Iterated Prisoner's Dilemma},
  journal = {Games and Economic Behavior},
  volume = {92},
  pages = {41--52},
  year = {2015},
  doi = {10.1016/j.geb.2015.05.005},
}
"""
