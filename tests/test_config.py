"""The settings: what they show of themselves, and the digest that a collection keeps of some of them."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from fingerprint.config import (
    DEFAULT_CONFIG,
    PROFILES,
    AnnoyConfig,
    CandidateConfig,
    CloserConfig,
    Config,
    FeatureConfig,
    MatchConfig,
    ReadLimits,
    StorageConfig,
    TrainConfig,
    config_for,
    description_digest,
)
from fingerprint.errors import ConfigError

#: Another value of every setting of how references are described.
OTHER_FEATURES: dict[str, Any] = {
    "sides": (301,),
    "n_keypoints": (299,),
    "doubled": (False,),
    "octave_share": 0.6,
    "contrast_threshold": 0.02,
    "edge_threshold": 11.0,
}
#: Another value of every setting that does not change what is stored of a picture.
OTHERS: dict[str, Any] = {
    "query": FeatureConfig((500,), (700,), (False,)),
    "closer": PROFILES["thorough"],
    "match": MatchConfig(n_words=5, tolerance=0.1),
    "candidates": CandidateConfig(from_keypoints=7, descriptor_index="annoy", annoy_from=1),
    "annoy": AnnoyConfig(n_trees=3),
    "probability_threshold": 0.9,
    "results": 3,
    "storage": StorageConfig(keep_local_descriptors=True, batch=1),
    "limits": ReadLimits(max_pixels=1_000),
    "strict": True,
}


def names_of(kind: Any) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}


class TestDescriptionDigest:
    def test_is_the_one_in_the_collections_that_there_are(self) -> None:
        """Another digest, and none of them could be opened any more."""
        assert description_digest(DEFAULT_CONFIG) == "b5959e10c0283c9f"

    def test_tells_every_setting_apart_that_decides_what_is_stored(self) -> None:
        assert OTHER_FEATURES.keys() == names_of(FeatureConfig)
        changed = {
            name: dataclasses.replace(
                DEFAULT_CONFIG, reference=dataclasses.replace(DEFAULT_CONFIG.reference, **{name: value})
            )
            for name, value in OTHER_FEATURES.items()
        }
        changed["decode_side"] = dataclasses.replace(DEFAULT_CONFIG, decode_side=640)
        digests = {name: description_digest(config) for name, config in changed.items()}
        assert len({description_digest(DEFAULT_CONFIG), *digests.values()}) == 1 + len(digests), digests

    def test_is_the_same_whatever_the_other_settings_are(self) -> None:
        assert OTHERS.keys() == names_of(Config) - {"reference", "decode_side"}
        digests = {}
        for name, value in OTHERS.items():
            changed: dict[str, Any] = {name: value}
            assert getattr(DEFAULT_CONFIG, name) != value, name
            digests[name] = description_digest(dataclasses.replace(DEFAULT_CONFIG, **changed))
        assert set(digests.values()) == {description_digest(DEFAULT_CONFIG)}, digests

    def test_all_profiles_share_it(self) -> None:
        assert len({description_digest(config_for(profile)) for profile in PROFILES}) == 1


class TestShown:
    @pytest.mark.parametrize(
        "kind",
        [Config, MatchConfig, CandidateConfig, CloserConfig, AnnoyConfig, StorageConfig, ReadLimits, TrainConfig],
    )
    def test_defaults_are_left_out(self, kind: type[object]) -> None:
        assert repr(kind()) == f"{kind.__name__}()"

    def test_what_differs_is_named(self) -> None:
        assert repr(Config(results=3)) == "Config(results=3)"
        assert repr(Config(decode_side=640, results=3)) == "Config(decode_side=640, results=3)"
        assert repr(Config(match=MatchConfig(n_words=5))) == "Config(match=MatchConfig(n_words=5))"
        assert repr(StorageConfig(batch=200, compact_to=9)) == "StorageConfig(compact_to=9)"

    def test_it_can_be_read_back(self) -> None:
        for config in (Config(), config_for("thorough"), *(Config(**{name: v}) for name, v in OTHERS.items())):
            assert eval(repr(config)) == config


class TestCloser:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"sure": 1.1},
            {"sure": float("nan")},
            {"n_insets": -1},
            {"n_cells": -1},
            {"hint": -0.1},
            {"stretched": (1.5, 0.0)},
        ],
        ids=str,
    )
    def test_what_cannot_be_is_refused(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            CloserConfig(**wrong)
