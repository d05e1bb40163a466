using '../main.bicep'

param environmentName = 'test'
param location = 'westeurope'
param d365BaseUrl = 'https://contoso-test.sandbox.operations.dynamics.com'
param stores = ['nordlys', 'prairie']
param operatorPrincipalId = readEnvironmentVariable('OPERATOR_PRINCIPAL_ID', '')
param operatorPrincipalType = readEnvironmentVariable('OPERATOR_PRINCIPAL_TYPE', 'User')
param retentionDays = 30
param dailyQuotaGb = 2
param alertEmails = ['integration@contoso.com']
