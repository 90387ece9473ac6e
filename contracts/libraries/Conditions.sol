// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Observation, ObservationFlag, ObservationProof} from "../interfaces/IAttestationHub.sol";
import {Comparator, Condition, IRuleEngine} from "../interfaces/IRuleEngine.sol";

/// @dev Whether a run of observations meets one condition of a rule. Reverts with what is wrong.
library Conditions {
    /// @return first the run's earliest slot
    /// @return last its latest
    function check(uint256 number, Condition calldata condition, ObservationProof[] calldata run)
        internal
        pure
        returns (uint64 first, uint64 last)
    {
        (bytes32 schema, bytes32 subject, bytes32 metric) = (condition.schema, condition.subject, condition.metric);
        uint64 periodMs = condition.periodMs;
        uint256 counted = 0;
        bool lastCounts = false;
        for (uint256 i = 0; i < run.length; ++i) {
            Observation calldata seen = run[i].observation;
            if (seen.schema != schema || seen.subject != subject || seen.metric != metric) {
                revert IRuleEngine.WrongObservation(number, i);
            }
            uint64 slot = seen.slot;
            if (i == 0) first = slot;
            else if (!_follows(periodMs, last, slot)) revert IRuleEngine.NotConsecutive(number, i);
            last = slot;
            lastCounts = _counts(condition, seen);
            if (lastCounts) ++counted;
            else if (i == 0 || !_skips(condition, seen)) revert IRuleEngine.ConditionUnmet(number, i);
        }
        if (!lastCounts || counted != condition.count) revert IRuleEngine.RunWrong(number, counted, condition.count);
    }

    function _follows(uint64 periodMs, uint64 before, uint64 slot) private pure returns (bool) {
        return periodMs == 0 ? slot > before : uint256(slot) == uint256(before) + periodMs;
    }

    function _skips(Condition calldata condition, Observation calldata seen) private pure returns (bool) {
        return condition.missingSkips && seen.flag == ObservationFlag.MISSING;
    }

    function _counts(Condition calldata condition, Observation calldata seen) private pure returns (bool) {
        if ((condition.flagMask >> seen.flag) & 1 == 0) return false;
        uint8 comparator = condition.comparator;
        if (comparator == Comparator.BELOW) return seen.value < condition.threshold;
        if (comparator == Comparator.AT_MOST) return seen.value <= condition.threshold;
        if (comparator == Comparator.ABOVE) return seen.value > condition.threshold;
        if (comparator == Comparator.AT_LEAST) return seen.value >= condition.threshold;
        if (comparator == Comparator.EQUAL) return seen.value == condition.threshold;
        if (comparator == Comparator.UNEQUAL) return seen.value != condition.threshold;
        revert IRuleEngine.ComparatorUnknown(comparator);
    }
}
