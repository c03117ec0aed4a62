"""Update rules that follow exact gradients of the game."""
