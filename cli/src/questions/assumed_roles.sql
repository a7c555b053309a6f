SELECT
  COALESCE(actor.user.uid, actor.invoked_by, actor.user.uid_alt) AS caller,
  "user".uid AS role,
  COUNT(*) AS times
FROM amazon_security_lake_glue_db_us_east_1.amazon_security_lake_table_us_east_1_cloud_trail_mgmt_2_0
WHERE api.operation LIKE 'AssumeRole%'
  AND status = 'Success'
GROUP BY COALESCE(actor.user.uid, actor.invoked_by, actor.user.uid_alt), "user".uid
ORDER BY times DESC, caller, role
LIMIT 20
