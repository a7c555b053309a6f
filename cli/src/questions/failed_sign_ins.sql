SELECT
  COALESCE(actor.user.name, actor.user.uid) AS user_name,
  src_endpoint.ip AS source_ip,
  COUNT(*) AS failures
FROM amazon_security_lake_glue_db_us_east_1.amazon_security_lake_table_us_east_1_cloud_trail_mgmt_2_0
WHERE class_uid = 3002
  AND api.operation = 'ConsoleLogin'
  AND status = 'Failure'
GROUP BY COALESCE(actor.user.name, actor.user.uid), src_endpoint.ip
ORDER BY failures DESC, user_name, source_ip
LIMIT 20
