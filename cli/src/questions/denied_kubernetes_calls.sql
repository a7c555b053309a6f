SELECT
  actor.user.name AS user_name,
  api.operation AS operation,
  http_request.url.path AS path,
  COUNT(*) AS calls
FROM amazon_security_lake_glue_db_us_east_1.amazon_security_lake_table_us_east_1_eks_audit_2_0
WHERE api.response.code IN (401, 403)
GROUP BY actor.user.name, api.operation, http_request.url.path
ORDER BY calls DESC, user_name, operation, path
LIMIT 20
