"""The samples of the other sources: what the central bucket holds beside CloudTrail's own. Same accounts, same days,
same intruder as in `cloudtrail/`."""
