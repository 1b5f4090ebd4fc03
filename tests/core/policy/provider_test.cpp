// SPDX-License-Identifier: Apache-2.0
#include "policy/provider.hpp"

#include <gtest/gtest.h>

#include "support/question.hpp"

namespace ap {
namespace {

std::string form(std::string_view name) {
  HostName out;
  return region_form(name, out) ? std::string(out.view()) : "refused";
}

TEST(Provider, RegionsAreFactoredOut) {
  EXPECT_EQ(form("sqs.us-east-1.amazonaws.com"), "sqs.{r}.amazonaws.com");
  EXPECT_EQ(form("b.s3-website-us-east-1.amazonaws.com"), "b.s3-website-{r}.amazonaws.com");
  EXPECT_EQ(form("kms.us-gov-west-1.amazonaws.com"), "kms.{r}.amazonaws.com");
  EXPECT_EQ(form("kms.us-isob-east-1.sc2s.sgov.gov"), "kms.{r}.sc2s.sgov.gov");
  EXPECT_EQ(form("kms.eusc-de-east-1.amazonaws.eu"), "kms.{r}.amazonaws.eu");
  EXPECT_EQ(form("x.ap-southeast-2.compute.amazonaws.com"), "x.{r}.compute.amazonaws.com");
  for (const char* name : {"ec2-1-2-3-4.compute-1.amazonaws.com", "sts.amazonaws.com", "east-1.example",
                           "far-east-1.example.com", "us-east-12.example.com", ""})
    EXPECT_EQ(form(name), std::string(name) == "far-east-1.example.com" ? "{r}.example.com" : name);
  EXPECT_EQ(form(std::string(600, 'a')), "refused");
}

std::string ask(const char* level, const char* name, const char* region = "us-east-1", const char* provider = "aws") {
  Surroundings here = test::lambda();
  here.region = region;
  here.provider = provider;
  here.account = "123456789012";
  test::Question q(std::string(R"({"outbound": {"action": "deny", "allow_cloud_provider": ")") + level + "\"}}", here);
  Verdict v = q.judge(test::Question::operation(AP_OUTBOUND, AP_RESOLVE, name));
  constexpr const char* classes[] = {"none", "name", "literal", "local", "provider", "tenant", "hosting"};
  return std::string(v.action == AP_GRANT ? "open " : "shut ") + classes[v.cls];
}

struct Row {
  const char *name, *off, *strict, *services, *all;
};

TEST(Provider, Levels) {
  for (const auto& [name, off, strict, services, all] : {
           Row{"sqs.us-east-1.amazonaws.com", "shut name", "open provider", "open provider", "open provider"},
           Row{"sqs.eu-west-1.amazonaws.com", "shut name", "shut provider", "open provider", "open provider"},
           Row{"lambda.us-east-1.api.aws", "shut name", "open provider", "open provider", "open provider"},
           Row{"stream-logs.us-east-1.amazonaws.com", "shut name", "open provider", "open provider", "open provider"},
           Row{"sts.amazonaws.com", "shut name", "open provider", "open provider", "open provider"},
           Row{"123456789012.ddb.us-east-1.amazonaws.com", "shut name", "open provider", "open provider",
               "open provider"},
           Row{"999999999999.ddb.us-east-1.amazonaws.com", "shut name", "shut provider", "open provider",
               "open provider"},
           Row{"bucket.s3.us-east-1.amazonaws.com", "shut name", "shut tenant", "open tenant", "open tenant"},
           Row{"bucket.s3.amazonaws.com", "shut name", "shut tenant", "open tenant", "open tenant"},
           Row{"x.cluster-abc.us-east-1.rds.amazonaws.com", "shut name", "shut tenant", "open tenant", "open tenant"},
           Row{"ec2-1-2-3-4.compute-1.amazonaws.com", "shut name", "shut hosting", "shut hosting", "open hosting"},
           Row{"ec2-1-2-3-4.eu-west-1.compute.amazonaws.com", "shut name", "shut hosting", "shut hosting",
               "open hosting"},
           Row{"x.us-east-1.elb.amazonaws.com", "shut name", "shut hosting", "shut hosting", "open hosting"},
           Row{"x.elb.us-east-1.amazonaws.com", "shut name", "shut hosting", "shut hosting", "open hosting"},
           Row{"abc.execute-api.us-east-1.amazonaws.com", "shut name", "shut hosting", "shut hosting", "open hosting"},
           Row{"x.lambda-url.us-east-1.on.aws", "shut name", "shut hosting", "shut hosting", "open hosting"},
           Row{"x.s3-website-us-east-1.amazonaws.com", "shut name", "shut hosting", "shut hosting", "open hosting"},
           Row{"d111.cloudfront.net", "shut name", "shut hosting", "shut hosting", "open hosting"},
           Row{"amazonaws.com.evil.example", "shut name", "shut name", "shut name", "shut name"},
           Row{"evilamazonaws.com", "shut name", "shut name", "shut name", "shut name"},
           Row{"sqs.cn-north-1.amazonaws.com.cn", "shut name", "shut name", "shut name", "open provider"},
       }) {
    EXPECT_EQ(ask("off", name), off) << name;
    EXPECT_EQ(ask("strict", name), strict) << name;
    EXPECT_EQ(ask("services", name), services) << name;
    EXPECT_EQ(ask("all", name), all) << name;
  }
}

TEST(Provider, PartitionFollowsTheRegion) {
  EXPECT_EQ(ask("services", "sqs.cn-north-1.amazonaws.com.cn", "cn-north-1"), "open provider");
  EXPECT_EQ(ask("services", "sqs.us-east-1.amazonaws.com", "cn-north-1"), "shut name");
  EXPECT_EQ(ask("services", "sqs.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"), "open provider");
  EXPECT_EQ(ask("services", "kms.us-gov-west-1.amazonaws.com", "us-gov-west-1"), "open provider");
  EXPECT_EQ(ask("services", "kms.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"), "open provider");
}

TEST(Provider, NoneOrAnotherOpensNothing) {
  EXPECT_EQ(ask("services", "sqs.us-east-1.amazonaws.com", "us-east-1", ""), "shut name");
  EXPECT_EQ(ask("all", "sqs.us-east-1.amazonaws.com", "us-east-1", "nobody"), "shut name");
  EXPECT_EQ(ask("services", "sqs.us-east-1.amazonaws.com", "us-east-1", "gcp"), "shut name");
  EXPECT_EQ(ask("services", "storage.googleapis.com", "", "gcp"), "open provider");
  EXPECT_EQ(ask("services", "x.run.app", "", "gcp"), "shut hosting");
  EXPECT_EQ(ask("services", "metadata.google.internal", "", "gcp"), "open provider");
  EXPECT_EQ(ask("services", "metadata.google.internal"), "shut name");
  EXPECT_EQ(ask("services", "acct.blob.core.windows.net", "", "azure"), "open tenant");
  EXPECT_EQ(ask("services", "x.cloudapp.azure.com", "", "azure"), "shut hosting");
  EXPECT_EQ(ask("strict", "management.azure.com", "", "azure"), "open provider");
}

}  // namespace
}  // namespace ap
