//! The command line's grammar. Each command's work is in `up` or in a module of `commands`.

use clap::{Parser, Subcommand};

use crate::bench::Bench;
use crate::commands::check::CheckArgs;
use crate::commands::dead_letters::DeadLettersArgs;
use crate::commands::digest::DigestArgs;
use crate::commands::health::HealthArgs;
use crate::commands::init::InitArgs;
use crate::commands::inspect::InspectArgs;
use crate::commands::item::{ItemArgs, ReceiptArgs};
use crate::commands::matter::MatterArgs;
use crate::commands::migrate::MigrateArgs;
use crate::commands::scheme::SchemeCommand;
use crate::commands::serve::ServeArgs;
use crate::commands::submit::SubmitArgs;
use crate::commands::validate::ValidateArgs;
use crate::export::ExportArgs;
use crate::fsck::FsckArgs;
use crate::keys::Keys;
use crate::sample::SampleArgs;
use crate::up::UpOptions;
use crate::verify::VerifyArgs;

/// 登备：电子文件归档登记与备份 / registration and backup of electronic records
#[derive(Debug, Parser)]
#[command(name = "dengbei", version, propagate_version = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands there are.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start everything on this machine / 在本机启动全部服务
    Up(UpOptions),
    /// Run one role, or all in one process / 运行一个角色，或在一个进程中运行全部
    Serve(ServeArgs),
    /// Make missing keys and tokens / 生成缺少的密钥和令牌
    Init(InitArgs),
    /// Create databases and expand their schemas / 建库并升级库表结构
    Migrate(MigrateArgs),
    /// 密钥：清单、备份、恢复、更换 / Keys: list, back up, restore, change
    #[command(subcommand)]
    Keys(Keys),
    /// Write realistic packages for demonstrations and tests / 生成样例存档信息包
    Sample(SampleArgs),
    /// Check an evidence receipt, and a package against it, offline / 离线核验存证回执
    Verify(VerifyArgs),
    /// Walk site, log and databases and prove the invariants / 全库核验
    Fsck(FsckArgs),
    /// A site's packs as one OCFL storage root / 导出为OCFL存储根
    ExportOcfl(ExportArgs),
    /// Measure, beside a floor / 性能测量
    #[command(subcommand)]
    Bench(Bench),
    /// Submit packages / 提交存档信息包
    Submit(SubmitArgs),
    /// Matters and their filing scopes / 事项及归档范围
    Matter(MatterArgs),
    /// Show an item and its history / 查看一件
    Item(ItemArgs),
    /// Fetch an item's evidence receipt / 取存证回执
    Receipt(ReceiptArgs),
    /// What could not be handled / 滞留消息
    DeadLetters(DeadLettersArgs),
    /// Check a package before sending it / 报送前自检
    Check(CheckArgs),
    /// Checking schemes as documents / 检测方案
    #[command(subcommand)]
    Scheme(SchemeCommand),
    /// Ask a role whether it is well / 询问一个角色是否正常
    Health(HealthArgs),
    /// Validate without a server / 离线校验
    Validate(ValidateArgs),
    /// Inspect a file and its evidence without a server / 离线检视文件及其签章
    Inspect(InspectArgs),
    /// Digest a file / 计算文件摘要
    Digest(DigestArgs),
    /// Read outside files for the process that started this one / 读者进程
    #[command(hide = true)]
    Worker,
}
