"""Entries of this plugin. Imports nothing heavy."""

from collections.abc import Iterable

from meva_core.contracts import Entry, hookimpl

MEVA_RECIPES = "meva_policy_gradient:recipes.toml"
MEVA_REFERENCES = "meva_policy_gradient:references.bib"


@hookimpl
def meva_learners() -> Iterable[Entry]:
    yield Entry(
        "reinforce",
        "meva_policy_gradient.reinforce:Reinforce",
        "gradient of the own payoff, estimated from episodes",
        "Williams (1992), Simple Statistical Gradient-Following Algorithms, Machine Learning",
        cites=("williams1992simple",),
    )
    yield Entry(
        "a2c",
        "meva_policy_gradient.a2c:A2C",
        "policy gradient with a critic, one step per batch of episodes",
        "Mnih et al. (2016), Asynchronous Methods for Deep Reinforcement Learning, ICML",
        cites=("mnih2016asynchronous",),
    )
    yield Entry(
        "ppo",
        "meva_policy_gradient.ppo:PPO",
        "policy gradient with a critic, several clipped steps per batch",
        "Schulman et al. (2017), Proximal Policy Optimization Algorithms; Schulman et al. (2016), High-Dimensional "
        "Continuous Control Using Generalized Advantage Estimation, ICLR",
        cites=("schulman2017proximal", "schulman2016high"),
    )
    yield Entry(
        "advantage_alignment",
        "meva_policy_gradient.advantage_alignment:AdvantageAlignment",
        "PPO that does good to those who did good to it",
        "Duque et al. (2025), Advantage Alignment Algorithms, ICLR",
        cites=("duque2025advantage",),
    )
    yield Entry(
        "coala_pg_sampled",
        "meva_policy_gradient.coala_pg_sampled:COALAPGSampled",
        "a policy with memory, by a policy gradient that knows that others learn",
        "Meulemans et al. (2025), Learning-Aware Policy Gradients, ICLR",
        cites=("meulemans2025multi",),
    )
    yield Entry(
        "in_context",
        "meva_policy_gradient.in_context:InContext",
        "a policy with memory that learns within an episode whom it plays",
        "Weis et al. (2026), Multi-Agent Cooperation Through In-Context Co-Player Inference, arXiv",
        cites=("weis2026multi",),
    )
    yield Entry(
        "lili",
        "meva_policy_gradient.lili:LILI",
        "infers how others change between interactions, and leads them",
        "Xie et al. (2020), Learning Latent Representations to Influence Multi-Agent Interaction, CoRL",
        cites=("xie2020learning",),
    )
    yield Entry(
        "loqa",
        "meva_policy_gradient.loqa:LOQA",
        "shapes the action values by which others are assumed to choose",
        "Aghajohari et al. (2024), LOQA: Learning with Opponent Q-Learning Awareness, ICLR",
        cites=("aghajohari2024loqa",),
    )
    yield Entry(
        "m_fos_sampled",
        "meva_policy_gradient.m_fos_sampled:MFOSSampled",
        "sets the condition of a policy from what it saw in the last inner episode",
        "Lu et al. (2022), Model-Free Opponent Shaping, ICML",
        cites=("lu2022model",),
    )


@hookimpl
def meva_evaluations() -> Iterable[Entry]:
    yield Entry(
        "trained_response",
        "meva_policy_gradient.trained_response:TrainedResponse",
        "payoffs against a learner trained against the policy",
    )
