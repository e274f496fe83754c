"""The benchmark: `python -m bench [--quick] [name ...]` prints what the product does beside its references.

Nothing here asserts a time. References are run side by side with the product, A B A B, in one session, because only
ratios travel from one machine to another. Reference scripts lie beside the project, in `../shared/perf`; where they, a
server or a peer are missing, the benchmark says so and goes on.
"""
