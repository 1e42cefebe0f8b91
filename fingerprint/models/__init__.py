"""The trained models: loading, saving and checking them. No pickle; ids are digests of the contents."""

from fingerprint.models.checks import WORD_DIMENSION, postings_fault
from fingerprint.models.files import ARRAYS_NAME, FORMAT_VERSION, MANIFEST_NAME, load_models, save_models
from fingerprint.models.parts import (
    CalibrationModel,
    CohortModel,
    DescriptorModel,
    InsetModel,
    Models,
    TreesModel,
    VocabularyModel,
    make_models,
)

__all__ = [
    "ARRAYS_NAME",
    "FORMAT_VERSION",
    "MANIFEST_NAME",
    "WORD_DIMENSION",
    "CalibrationModel",
    "CohortModel",
    "DescriptorModel",
    "InsetModel",
    "Models",
    "TreesModel",
    "VocabularyModel",
    "load_models",
    "make_models",
    "postings_fault",
    "save_models",
]
