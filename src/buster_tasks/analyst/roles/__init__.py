"""The roles that share the work, each with a prompt, a model and the states that it does."""

from buster_tasks.analyst.roles.role import ANALYSE, PREPARE, REVIEW, Role, role_of

__all__ = ["ANALYSE", "PREPARE", "REVIEW", "Role", "role_of"]
