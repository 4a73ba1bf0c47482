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
from buster_tasks.language_model.litellm_model import LitellmModel
from buster_tasks.language_model.recording import RecordedModel, RecordedReply, RecordingModel
from buster_tasks.language_model.retry import RETRY
from buster_tasks.language_model.scrubbing import ScrubbedModel

__all__ = [
    "NOTHING_USED",
    "RETRY",
    "BudgetedModel",
    "FinishReason",
    "InvalidArguments",
    "LanguageModel",
    "LitellmModel",
    "Message",
    "ModelBudget",
    "ModelReply",
    "ModelRequest",
    "ModelValue",
    "RecordedModel",
    "RecordedReply",
    "RecordingModel",
    "ScrubbedModel",
    "Spent",
    "TextListener",
    "ToolCall",
    "ToolSpec",
    "Usage",
    "no_listener",
    "rough_estimate",
]
