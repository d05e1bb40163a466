using '../main.bicep'

param environmentName = 'dev'
param location = 'westeurope'
param d365BaseUrl = 'https://contoso-dev.sandbox.operations.dynamics.com'
param stores = ['nordlys', 'prairie']
param operatorPrincipalId = readEnvironmentVariable('OPERATOR_PRINCIPAL_ID', '')
param operatorPrincipalType = readEnvironmentVariable('OPERATOR_PRINCIPAL_TYPE', 'User')
param alwaysReadyHttp = 0
param purgeProtection = false
param retentionDays = 30
param dailyQuotaGb = 1
