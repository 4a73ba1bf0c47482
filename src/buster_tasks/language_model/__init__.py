"""Asking a language model: any that litellm knows, behind one small protocol.

`LitellmModel` imports litellm at its first call; nothing here does before.
"""

from buster_tasks.language_model.base import (
    NOTHING_USED,
    FinishReason,
    InvalidArguments,
    LanguageModel,
    Message,
    ModelReply,
    ModelRequest,
    ModelValue,
    TextListener,
    ToolCall,
    ToolSpec,
    Usage,
    no_listener,
    rough_estimate,
)
from buster_tasks.language_model.budget import BudgetedModel, ModelBudget, Spent

__all__ = [
    "NOTHING_USED",
    "BudgetedModel",
    "FinishReason",
    "InvalidArguments",
    "LanguageModel",
    "Message",
    "ModelBudget",
    "ModelReply",
    "ModelRequest",
    "ModelValue",
    "Spent",
    "TextListener",
    "ToolCall",
    "ToolSpec",
    "Usage",
    "no_listener",
    "rough_estimate",
]
