// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev How often something happened of late, in 160 bits: four buckets of 32 bits, the newest in the lowest, and when the
/// newest began (seconds). A bucket spans a third of the window, rounded up, so that whatever lies within any one window
/// lies in the four buckets: a limit on their sum holds for every window, wherever it begins. What happened is forgotten
/// after one window at the earliest and four thirds of it at the latest.
library SlidingCount {
    uint256 private constant BUCKETS = 4;
    uint256 private constant BITS = 32;

    /// @dev The buckets as of now.
    function asOf(uint32 since, uint128 counts, uint32 window) internal view returns (uint32, uint128) {
        uint256 bucket = (uint256(window) + BUCKETS - 2) / (BUCKETS - 1);
        uint256 passed = (block.timestamp - since) / bucket;
        if (passed == 0) return (since, counts);
        if (passed >= BUCKETS) return (uint32(block.timestamp), 0);
        return (uint32(since + passed * bucket), uint128(uint256(counts) << (BITS * passed)));
    }

    function sum(uint128 counts) internal pure returns (uint256 total) {
        for (uint256 i = 0; i < BUCKETS; ++i) {
            total += uint32(counts >> (BITS * i));
        }
    }
}
