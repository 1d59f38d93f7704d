"""Nothing that was stored is ever lost: by dying, by power cuts, by full disks and failing ones, by jumping clocks."""
