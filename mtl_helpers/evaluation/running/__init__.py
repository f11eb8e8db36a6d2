"""Many runs: arms, sweeps over all cores, searches for λ, what a step costs, and the tables they leave."""
