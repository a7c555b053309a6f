SELECT
  COALESCE(actor.user.uid, actor.invoked_by, actor.user.uid_alt) AS caller,
  COUNT(*) AS denied
FROM amazon_security_lake_glue_db_us_east_1.amazon_security_lake_table_us_east_1_cloud_trail_mgmt_2_0
WHERE api.response.error IN (
  'AccessDenied', 'AccessDeniedException', 'UnauthorizedOperation', 'Client.UnauthorizedOperation'
)
GROUP BY COALESCE(actor.user.uid, actor.invoked_by, actor.user.uid_alt)
ORDER BY denied DESC, caller
LIMIT 20
