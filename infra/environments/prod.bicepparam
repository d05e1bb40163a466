using '../main.bicep'

param environmentName = 'prod'
param location = 'westeurope'
param d365BaseUrl = 'https://contoso.operations.dynamics.com'
param stores = ['nordlys', 'prairie']
param operatorPrincipalId = readEnvironmentVariable('OPERATOR_PRINCIPAL_ID', '')
param operatorPrincipalType = readEnvironmentVariable('OPERATOR_PRINCIPAL_TYPE', 'User')
param erpMaxConcurrency = 16
param alwaysReadyHttp = 2
param zoneRedundant = true
param premiumServiceBus = true
param networkIsolation = true
param alertEmails = ['operations@contoso.com', 'integration@contoso.com']
param dailyQuotaGb = 5
param budget = { amount: 1500, start: '2026-12-01' }
